"""F40: without inodes mail is refused for now, nothing is left behind, and room cures it."""

import full_disk


def run(box):
    full_disk.mount_small_spool("size=4m,nr_inodes=200")
    box.start()
    box.wait_event("scheduling", 1)
    full_disk.eat_inodes()
    full_disk.refused_and_nothing_stored(box)
    full_disk.refused_and_nothing_stored(box)
    full_disk.one_clear_line(box)
    full_disk.give_inodes()
    full_disk.normal_again(box)
