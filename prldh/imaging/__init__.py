"""Images and masks: reading what people have, checking it, and handing it to feature sources.

SimpleITK, pydicom and their like are imported inside the functions that need them: the core is used without them.
"""
