"""mozu on a crowded machine, long: does its memory stay level, does its state stay true, does it lose nothing?"""
