"""The ground floor: errors, parameters, cases and campaigns, plug-ins, provenance, and tools that all rooms share."""
