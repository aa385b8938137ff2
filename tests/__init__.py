"""The tests mirror the modules of scaler; controlplane and servers lend them real peers."""
