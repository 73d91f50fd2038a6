"""Says what is wrong with manifests before they reach a cluster. Pure, but for what reads the files (herald.cli.lint).

`read.py` makes located objects of a file's text, `check.py` judges all objects together as the programs would, and
`show.py` writes what was found for people, for programs and for GitHub.
"""
