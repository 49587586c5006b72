"""F40: on a full disk mail is refused for now, nothing is left behind, and room cures it."""

import full_disk


def run(box):
    full_disk.mount_small_spool("size=512k")
    box.start()
    box.wait_event("scheduling", 1)
    full_disk.eat_space()
    full_disk.refused_and_nothing_stored(box)
    full_disk.refused_and_nothing_stored(box)
    full_disk.one_clear_line(box)
    full_disk.give_space()
    full_disk.normal_again(box)
