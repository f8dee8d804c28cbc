// The HPET; \HPTE is its _STA.
Device (HPET)
{
    Name (_HID, EisaId ("PNP0103"))
    Name (_UID, 0)
    Method (_STA, 0, NotSerialized)
    {
        Return (\HPTE)
    }
    Name (_CRS, ResourceTemplate ()
    {
        Memory32Fixed (ReadOnly, 0xfed00000, 0x00000400)
    })
}
