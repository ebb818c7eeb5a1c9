"""Packaging lives in setup.cfg; this file is needed by pip's editable installs."""

from setuptools import setup

setup()
