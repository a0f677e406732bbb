"""The ground floor: the contract that all parts share (case, plug-ins, HDF5 store) and the analysis stages."""
