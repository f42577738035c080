"""Snapshots and backups: asked for, made, listed, kept, restored."""
