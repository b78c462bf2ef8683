"""Who evaluates: this process, a pool of others through joblib, and a journal of an earlier run in front of either.

`requests` is what can be asked, `answering` says who answers in a check; `processes`, `pool`, `units`, `parcel` and
`worker` are for other processes, `journal` and `journal_file` for a run that goes on.
"""
