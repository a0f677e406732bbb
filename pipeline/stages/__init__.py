"""Analysis stages, one file (or folder) a kind: each has ``Params`` and ``run(inputs, params, client, folder)``."""
