"""A dataset in other forms: tar files for `webdataset`, products in HDF5, rasters for a GIS."""
