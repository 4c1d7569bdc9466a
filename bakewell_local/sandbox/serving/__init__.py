"""What the servers share: their process, the gate, work in the background, faults that tests order."""
