"""How hard an accepted pair is: closed-book attempts of solvers, what they say of it, and rollouts of trainers."""
