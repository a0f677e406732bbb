"""The ground floor: errors, parameters, cases and campaigns, plug-ins, provenance, and what all rooms share."""
