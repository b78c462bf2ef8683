"""From theta and J to derivative estimates with error bars; knows no framework and no verdict.

`noise.py` estimates the noise of the cost, `steps.py` and `reach.py` choose how far to move, `sweep.py` takes one
difference for each coordinate, `longer.py` and `remeasure.py` measure some of them again, and `certificate.py` bounds
the error of a whole gradient from a few random directions.
"""
