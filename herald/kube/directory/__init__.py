"""Cluster objects from a directory of manifests, and what a program without a cluster needs beside: see herald.kube."""

from herald.kube.directory.drains import DirectoryDrainWriter
from herald.kube.directory.lock import ControllerLock
from herald.kube.directory.problems import SourceProblem
from herald.kube.directory.source import DirectorySource
from herald.kube.directory.status import DirectoryStatusWriter

__all__ = ["ControllerLock", "DirectoryDrainWriter", "DirectorySource", "DirectoryStatusWriter", "SourceProblem"]
