# The same kinds of calls over IPv6.
BEGIN {
    address["carrier-a"] = "[::1]"
    for (n = 1; n <= 30; n++)
        call("carrier-a", "flash_cancel", "flash", from(fresh("+447700900", 3), "carrier-a"), fresh("+48699000", 3), \
            "cancel", between(400, 2500), 0)
    people("carrier-a", 14, people_abroad, "+48699001")
    misdials("carrier-a", 3, people_abroad, "+48699001")
    shuffle("carrier-a")
    write_plan("carrier-a")
}
