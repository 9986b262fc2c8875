"""Runs the shards of `sim` on Dask.

The shards, and nothing in this package, decide what the answer is: a part is a pure function of its command line, and
`sim merge` judges the parts. This package schedules, retries and shows progress.
"""
