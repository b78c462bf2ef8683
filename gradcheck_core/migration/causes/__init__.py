"""Why two sides differ: known mistakes of migrations, each undone to see whether the difference goes."""
