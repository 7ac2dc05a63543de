# Flash calls, people's calls, in bursts over one connection.
BEGIN {
    for (n = 1; n <= 16; n++)
        call("carrier-a", "flash_cancel", "flash", from(fresh("+447700900", 3), "carrier-a"), fresh("+48699000", 3), \
            "cancel", between(400, 2500), 0)
    people("carrier-a", 16, people_abroad, "+48699001")
    shuffle("carrier-a")
    write_plan("carrier-a")
}
