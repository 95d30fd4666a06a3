"""The persistent message store: the only room that speaks SQL."""
