"""From theta and J to derivative estimates with error bars; knows no framework and no verdict."""
