/*
 * Devices that the command line adds and that no bus shows: fw_cfg itself,
 * pvpanic, vmgenid. Their numbers come from another SSDT: ORDER device-number
 * in device-tables.c.
 */
DefinitionBlock ("", "SSDT", 1, "REPRIS", "DEVICES ", 1)
{
    External (\PVPP, IntObj)     // pvpanic's port; 0: there is none
    External (\VGIA, IntObj)     // address of vmgenid's page; 0: none

    Scope (\_SB)
    {
        Device (FWCF)
        {
            Name (_HID, "QEMU0002")
            Name (_STA, 0x0b)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0510, 0x0510, 1, 12)
            })
        }

        Device (PEVT)
        {
            Name (_HID, "QEMU0001")
            Method (_STA, 0, NotSerialized)
            {
                If (\PVPP)
                {
                    Return (0x0f)
                }
                Return (0)
            }
            Name (RES, ResourceTemplate ()
            {
                IO (Decode16, 0x0505, 0x0505, 1, 1)
            })
            // An I/O port descriptor's first and last base (6.4.2.5).
            Method (_CRS, 0, Serialized)
            {
                CreateWordField (RES, 2, LOW)
                CreateWordField (RES, 4, HIGH)
                LOW = \PVPP
                HIGH = \PVPP
                Return (RES)
            }
        }

        Device (VGEN)
        {
            Name (_HID, "QEMU0003")
            Name (_CID, "VM_Gen_Counter")
            Name (_DDN, "VM_Gen_Counter")
            Method (_STA, 0, NotSerialized)
            {
                If (\VGIA)
                {
                    Return (0x0f)
                }
                Return (0)
            }
            // ORDER vmgenid-offset: where the identifier is in its page.
            Method (ADDR, 0, NotSerialized)
            {
                Local0 = Package (2) { 0, 0 }
                Local0[0] = \VGIA + 40
                Return (Local0)
            }
        }
    }
}
