"""Grants drains: which nodes may lose their traffic now, by their racks and by what only they announce.

announcers, grants and progress decide, without I/O; drainer is the loop; speakers and writer are its ports, one adapter of
each for the API server and for a directory.
"""
