/*
 * The description of the Q35 board's devices (ACPI 6.4, chapter 19). What
 * depends on the command line and on firmware comes from the SSDT: ORDER
 * dsdt-number in pc-tables.c.
 */
DefinitionBlock ("", "DSDT", 1, "REPRIS", "REPRISE ", 1)
{
    External (\HOLE, IntObj)     // where memory of PCI may begin
    External (\HPTE, IntObj)     // _STA of the HPET
    External (\ECAM, IntObj)     // the window of PCI Express configuration
    External (\ECAL, IntObj)     // its bytes

    Name (\_S5, Package () { 0, 0, 0, 0 })   // ORDER sleep-type

    // 1: the system uses the I/O APIC.
    Name (\PICF, 0)
    Method (\_PIC, 1, NotSerialized)
    {
        \PICF = Arg0
    }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            // Memory of PCI lies on both sides of the configuration window.
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
                    NonCacheable, ReadWrite, 0, 0x80000000, 0xafffffff, 0,
                    0x30000000, , , PLOW, AddressRangeMemory, TypeStatic)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    NonCacheable, ReadWrite, 0, 0xc0000000, 0xfebfffff, 0,
                    0x3ec00000, , , PHGH, AddressRangeMemory, TypeStatic)
            })

            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (RES, \_SB.PCI0.PLOW._MIN, LMIN)
                CreateDWordField (RES, \_SB.PCI0.PLOW._MAX, LMAX)
                CreateDWordField (RES, \_SB.PCI0.PLOW._LEN, LLEN)
                CreateDWordField (RES, \_SB.PCI0.PHGH._MIN, HMIN)
                CreateDWordField (RES, \_SB.PCI0.PHGH._MAX, HMAX)
                CreateDWordField (RES, \_SB.PCI0.PHGH._LEN, HLEN)
                LMIN = \HOLE
                LMAX = \ECAM - 1
                LLEN = \ECAM - \HOLE
                HMIN = \ECAM + \ECAL
                HLEN = HMAX - HMIN + 1
                Return (RES)
            }

            // PCI Firmware Specification 3.3, 4.5.1. The system may have all
            // but the hot-plug controller of conventional PCI.
            Method (_OSC, 4, NotSerialized)
            {
                CreateDWordField (Arg3, 0, STAT)
                If (Arg0 == ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
                {
                    CreateDWordField (Arg3, 8, CTRL)
                    If (Arg1 != 1)
                    {
                        STAT |= 0x08         // unknown revision
                    }
                    If (CTRL & ~0x1d)
                    {
                        STAT |= 0x10         // some of it was refused
                        CTRL &= 0x1d
                    }
                }
                Else
                {
                    STAT |= 0x04             // unknown UUID
                }
                Return (Arg3)
            }

            // INTA# to INTD# of slots 25 to 31 are wired to PIRQA# to PIRQD#;
            // the others take turns on PIRQE# to PIRQH#. With the I/O APIC
            // those are its inputs 16 to 23.
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) { }
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Local1 & 3
                    If (Local1 < 100)
                    {
                        Local2 = 4 + ((Local1 + (Local1 >> 2)) & 3)
                    }
                    If (\PICF)
                    {
                        Local3 = Package (4) { 0, 0, 0, 0 }
                        Local3[3] = 16 + Local2
                    }
                    Else
                    {
                        Local3 = LINK (Local2)
                    }
                    Local3[0] = ((Local1 >> 2) << 16) | 0xffff
                    Local3[1] = Local1 & 3
                    Local0[Local1] = Local3
                    Local1++
                }
                Return (Local0)
            }

            Method (LINK, 1, Serialized)
            {
                Switch (ToInteger (Arg0))
                {
                    Case (0) { Return (Package (4) { 0, 0, \_SB.LNKA, 0 }) }
                    Case (1) { Return (Package (4) { 0, 0, \_SB.LNKB, 0 }) }
                    Case (2) { Return (Package (4) { 0, 0, \_SB.LNKC, 0 }) }
                    Case (3) { Return (Package (4) { 0, 0, \_SB.LNKD, 0 }) }
                    Case (4) { Return (Package (4) { 0, 0, \_SB.LNKE, 0 }) }
                    Case (5) { Return (Package (4) { 0, 0, \_SB.LNKF, 0 }) }
                    Case (6) { Return (Package (4) { 0, 0, \_SB.LNKG, 0 }) }
                    Default { Return (Package (4) { 0, 0, \_SB.LNKH, 0 }) }
                }
            }

            Device (LPC)
            {
                Name (_ADR, 0x001f0000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x0c)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8,
                    Offset (0x08),
                    PRQE, 8, PRQF, 8, PRQG, 8, PRQH, 8
                }

                Include ("dsdt-isa.asl")
            }

            Include ("dsdt-hpet.asl")
        }

        // What the board has beside PCI: the configuration window.
        Device (ECFG)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_UID, 1)
            Name (RES, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0xb0000000, 0x10000000, WIND)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (RES, \_SB.ECFG.WIND._BAS, BASE)
                CreateDWordField (RES, \_SB.ECFG.WIND._LEN, SIZE)
                BASE = \ECAM
                SIZE = \ECAL
                Return (RES)
            }
        }

        // The interrupt routing registers of the bridge (ICH9, 13.1.17): bit 7
        // is set where a PIRQ goes nowhere.
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
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQA)) }
            Method (_DIS) { ^^PCI0.LPC.PRQA |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQA)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQA = NUM
            }
        }

        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQB)) }
            Method (_DIS) { ^^PCI0.LPC.PRQB |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQB)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQB = NUM
            }
        }

        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQC)) }
            Method (_DIS) { ^^PCI0.LPC.PRQC |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQC)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQC = NUM
            }
        }

        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQD)) }
            Method (_DIS) { ^^PCI0.LPC.PRQD |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQD)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQD = NUM
            }
        }

        Device (LNKE)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQE)) }
            Method (_DIS) { ^^PCI0.LPC.PRQE |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQE)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQE = NUM
            }
        }

        Device (LNKF)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 5)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQF)) }
            Method (_DIS) { ^^PCI0.LPC.PRQF |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQF)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQF = NUM
            }
        }

        Device (LNKG)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 6)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQG)) }
            Method (_DIS) { ^^PCI0.LPC.PRQG |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQG)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQG = NUM
            }
        }

        Device (LNKH)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 7)
            Method (_PRS) { Return (PRSX) }
            Method (_STA) { Return (IQST (^^PCI0.LPC.PRQH)) }
            Method (_DIS) { ^^PCI0.LPC.PRQH |= 0x80 }
            Method (_CRS) { Return (IQCR (^^PCI0.LPC.PRQH)) }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, NUM)
                ^^PCI0.LPC.PRQH = NUM
            }
        }
    }
}
