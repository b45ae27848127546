"""What the DAGs' tasks call: reads Airflow's connections and parameters, then hands over to the library.

The only package here that imports Airflow: a module for each DAG, and what they share.
"""
