# One foreign number rings many subscribers once; two call back. A courier, whom as many miss, and people beside it.
BEGIN {
    # No Somali number begins with 0 after the country code.
    wangiri = "+252000000042"
    relative = "+252000001717"
    for (n = 1; n <= 45; n++) {
        victims[n] = fresh("+48699000", 3)
        call("carrier-a", "wangiri", "wangiri", from(wangiri, "carrier-a"), victims[n], "cancel", between(1500, 4000), 0)
    }
    people("carrier-a", 20, people_abroad, "+48699001")
    misdials("carrier-a", 3, people_abroad, "+48699001")
    call("carrier-a", "relative", "normal", from(relative, "carrier-a"), "+48699002001", "cancel", 9000, 0)
    call("carrier-a", "relative", "normal", from(relative, "carrier-a"), "+48699002002", "answer", 3000, 3000)
    shuffle("carrier-a")

    for (n = 1; n <= 30; n++) {
        called = fresh("+48699003", 3)
        if (n % 5 < 2)
            call("national", "courier", "normal", from("+48799000123", "national"), called, "cancel", between(7000, 11500), 0)
        else
            call("national", "courier", "normal", from("+48799000123", "national"), called, "answer", between(2000, 6000), \
                between(1000, 3000))
    }
    shuffle("national")

    # Placed when all the others are over.
    call("subscribers", "wangiri_callback", "wangiri_callback", from(victims[7], "subscribers"), wangiri, "answer", 900, 6000)
    call("subscribers", "callback_to_relative", "normal", from("+48699002001", "subscribers"), relative, "answer", 2500, 3000)
    call("subscribers", "wangiri_callback", "wangiri_callback", from(victims[31], "subscribers"), wangiri, "answer", 700, 4000)
    call("subscribers", "subscriber", "normal", from("+48699004001", "subscribers"), "+4930231250" "17", "hangup", 2500, 3000)
    write_plan("carrier-a national subscribers")
}
