import os

# An output that is put into a string by mistake must fail in a test, not ship its warning text to a cluster.
os.environ.setdefault("PULUMI_ERROR_OUTPUT_STRING", "1")
