# Flash calls cut by the caller, among people's calls on the same route.
BEGIN {
    for (n = 1; n <= 80; n++)
        call("carrier-a", "flash_cancel", "flash", from(fresh("+447700900", 3), "carrier-a"), fresh("+48699000", 3), \
            "cancel", between(400, 2500), 0)
    people("carrier-a", 34, people_abroad, "+48699001")
    misdials("carrier-a", 6, people_abroad, "+48699002")
    # Two friends: "ring me once when you are home".
    for (n = 1; n <= 6; n++)
        call("carrier-a", "friend_one_ring", "normal", from("+493023125742", "carrier-a"), "+48699003007", "cancel", \
            between(1200, 3000), 0)
    shuffle("carrier-a")
    write_plan("carrier-a")
}
