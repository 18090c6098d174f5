"""The signal around an alert: as it is sent with the alert, and as a picture on ECG paper."""
