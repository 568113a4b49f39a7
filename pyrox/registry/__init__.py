"""Client of image registries: authentication, manifests, configuration and layers.

Used by the Indexer (layers), Central and Sensor (image metadata). The only owner of
registry HTTP; it must not know scans, policies or databases.
"""
