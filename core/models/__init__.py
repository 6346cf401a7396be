"""Shipped weights: one .onnx and one card (.toml) each, as package data."""
