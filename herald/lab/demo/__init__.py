"""The demo: Herald on a rack, seen from the routers and from a client, while endpoints, links and nodes fail or are drained.

stage: what it runs on. scenes: what happens, as data. play: runs the scenes, measures, checks every
claim. show: what a person sees. figures: the same as JSON.
"""
