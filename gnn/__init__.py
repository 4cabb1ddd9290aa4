"""How risky is each node: features, propagation, network, calibration, evaluation. Knows no lake and no HTTP."""
