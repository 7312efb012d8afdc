"""The commands: one file for each noun, or for each verb where a noun has many."""
