# Flash calls rejected by the called handset once it has read the number, and a telemarketer whom many reject too.
BEGIN {
    for (n = 1; n <= 70; n++) {
        status = n % 4 ? 603 : 486
        cause = n % 4 ? 21 : 17
        call("carrier-a", "flash_reject", "flash", from(fresh("+3363998", 4), "carrier-a"), fresh("+48699000", 3), \
            "reject", between(1000, 3000), 0)
    }
    for (n = 1; n <= 28; n++) {
        called = fresh("+48699001", 3)
        if (n % 4 == 0) {
            call("carrier-a", "telemarketer", "normal", from("+442079460900", "carrier-a"), called, "hangup", \
                between(2000, 6000), between(1000, 4000))
        } else {
            status = n % 4 == 1 ? 486 : 603
            cause = n % 4 == 1 ? 17 : 21
            call("carrier-a", "telemarketer", "normal", from("+442079460900", "carrier-a"), called, "reject", \
                between(1000, 5000), 0)
        }
    }
    people("carrier-a", 20, "+4930231251 +4917139200 +331990012 +4420794601 +121255501", "+48699002")
    shuffle("carrier-a")
    write_plan("carrier-a")
}
