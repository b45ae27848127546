"""What a released folder holds beside its rows: files that trainers import, copied as they stand here.

``nemo_rl_environment.py.in`` is no module of this package: it subclasses what only NeMo-RL has.
"""
