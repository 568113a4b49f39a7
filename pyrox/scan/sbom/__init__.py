"""Bills of material: SPDX 2.3 and CycloneDX 1.6, written from and read into index reports."""
