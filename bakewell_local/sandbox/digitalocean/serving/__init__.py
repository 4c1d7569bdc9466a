"""The server around the endpoints: its process, the gate every call passes, the faults that tests order."""
