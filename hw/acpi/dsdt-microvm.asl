/*
 * The description of the microvm board's own devices (ACPI 6.4, chapter 19).
 * What depends on the command line, as virtio devices do, is in an SSDT: ORDER
 * microvm-number in microvm-tables.c.
 */
DefinitionBlock ("", "DSDT", 2, "REPRIS", "REPRISE ", 1)
{
    External (\COM1, IntObj)     // _STA of the serial port
    External (\RTCS, IntObj)     // _STA of the clock

    Name (\_S5, Package () { 5, 0, 0, 0 })   // ORDER ged-sleep-type

    Scope (\_SB)
    {
        // Events without a general purpose event block (5.6.9): the device's
        // first register says which, and reading clears it.
        Device (GED)
        {
            Name (_HID, "ACPI0013")
            Name (_UID, 0)
            OperationRegion (EREG, SystemMemory, 0xfea00000, 4)
            Field (EREG, DWordAcc, NoLock, WriteAsZeros)
            {
                ESEL, 32
            }
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 9 }
            })
            Method (_EVT, 1, Serialized)
            {
                Local0 = ESEL
                If (Local0 & 1)
                {
                    Notify (\_SB.PWRB, 0x80)
                }
            }
        }

        Device (PWRB)
        {
            Name (_HID, EisaId ("PNP0C0C"))
            Name (_UID, 0)
        }

        Device (COM)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Method (_STA, 0, NotSerialized)
            {
                Return (\COM1)
            }
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03f8, 0x03f8, 0, 8)
                IRQNoFlags () { 4 }
            })
        }

        Device (RTC)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Method (_STA, 0, NotSerialized)
            {
                Return (\RTCS)
            }
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0070, 0x0070, 1, 8)
                IRQNoFlags () { 8 }
            })
        }
    }
}
