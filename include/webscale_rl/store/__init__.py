"""The service's own PostgreSQL database: provenance and status. Airflow's database is another one."""
