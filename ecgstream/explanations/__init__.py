"""What a model's score rests on: contributions of every lead and sample, per wave, and as a picture on ECG paper."""
