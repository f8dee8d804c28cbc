/*
 * The description of the i440FX/PIIX board's devices (ACPI 6.4, chapter 19).
 * What depends on the command line comes from the SSDT: ORDER dsdt-number in
 * pc-tables.c.
 */
DefinitionBlock ("", "DSDT", 1, "REPRIS", "REPRISE ", 1)
{
    External (\HOLE, IntObj)     // where memory of PCI may begin
    External (\HPTE, IntObj)     // _STA of the HPET

    Name (\_S5, Package () { 0, 0, 0, 0 })   // ORDER sleep-type

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            Name (RES, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x00ff, 0, 0x0100)
                IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0x0000, 0x0cf7, 0, 0x0cf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0x0d00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    Cacheable, ReadWrite, 0, 0x000a0000, 0x000bffff, 0,
                    0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    NonCacheable, ReadWrite, 0, 0xe0000000, 0xfebfffff, 0,
                    0x1ec00000, , , PMEM, AddressRangeMemory, TypeStatic)
            })

            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (RES, \_SB.PCI0.PMEM._MIN, LOW)
                CreateDWordField (RES, \_SB.PCI0.PMEM._MAX, HIGH)
                CreateDWordField (RES, \_SB.PCI0.PMEM._LEN, SIZE)
                LOW = \HOLE
                SIZE = HIGH - LOW + 1
                Return (RES)
            }

            // INTA# of device n is wired to PIRQ (n - 1) mod 4; that of the
            // bridge's own functions to IRQ 9, for power management.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) { }
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = (Local1 + (Local1 >> 2) + 3) & 3
                    If (Local1 == 4)
                    {
                        Local3 = Package (4) { 0, 0, \_SB.LNKS, 0 }
                    }
                    ElseIf (Local2 == 0)
                    {
                        Local3 = Package (4) { 0, 0, \_SB.LNKA, 0 }
                    }
                    ElseIf (Local2 == 1)
                    {
                        Local3 = Package (4) { 0, 0, \_SB.LNKB, 0 }
                    }
                    ElseIf (Local2 == 2)
                    {
                        Local3 = Package (4) { 0, 0, \_SB.LNKC, 0 }
                    }
                    Else
                    {
                        Local3 = Package (4) { 0, 0, \_SB.LNKD, 0 }
                    }
                    Local3[0] = ((Local1 >> 2) << 16) | 0xffff
                    Local3[1] = Local1 & 3
                    Local0[Local1] = Local3
                    Local1++
                }
                Return (Local0)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (P40C, PCI_Config, 0x60, 4)
                Field (P40C, ByteAcc, NoLock, Preserve)
                {
                    PRQ0, 8, PRQ1, 8, PRQ2, 8, PRQ3, 8
                }

                Include ("dsdt-isa.asl")
            }

            Device (PM)
            {
                Name (_ADR, 0x00010003)
            }

            Include ("dsdt-hpet.asl")
        }

        // The interrupt routing registers of the bridge (82371SB, 2.2.7): bit
        // 7 is set where a PIRQ goes nowhere.
        Name (PRSX, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared)
            { 5, 10, 11 }
        })

        Method (IQST, 1, NotSerialized)
        {
            If (Arg0 & 0x80)
            {
                Return (0x09)
            }
            Return (0x0b)
        }

        Name (CRSX, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
        })

        Method (IQCR, 1, Serialized)
        {
            CreateDWordField (CRSX, 5, IRQN)
            IRQN = 0
            If (!(Arg0 & 0x80))
            {
                IRQN = Arg0 & 0x0f
            }
            Return (CRSX)
        }

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.ISA.PRQ0)) }
            Method (_DIS) { ^^PCI0.ISA.PRQ0 |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.ISA.PRQ0)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.ISA.PRQ0 = NUM
            }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.ISA.PRQ1)) }
            Method (_DIS) { ^^PCI0.ISA.PRQ1 |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.ISA.PRQ1)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.ISA.PRQ1 = NUM
            }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.ISA.PRQ2)) }
            Method (_DIS) { ^^PCI0.ISA.PRQ2 |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.ISA.PRQ2)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.ISA.PRQ2 = NUM
            }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.ISA.PRQ3)) }
            Method (_DIS) { ^^PCI0.ISA.PRQ3 |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.ISA.PRQ3)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.ISA.PRQ3 = NUM
            }
        }
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_STA) { Return (0x0b) }
            Method (_DIS) { }
            Method (_CRS) { Return (_PRS) }
            Method (_SRS, 1) { }
        }
    }
}
