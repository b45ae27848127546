# The Airflow services and the offline endpoint, from the same lock as the native stack.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/webscale-rl/include

RUN useradd --uid 50000 --create-home --home-dir /opt/airflow airflow \
    && mkdir -p /var/lib/webscale-rl /opt/airflow/logs /opt/airflow/secrets \
    && chown airflow /var/lib/webscale-rl /opt/airflow/logs /opt/airflow/secrets

WORKDIR /opt/webscale-rl
COPY requirements.txt .
RUN pip install --no-cache-dir "$(grep '^uv==' requirements.txt)" \
    && uv pip install --system --no-cache -r requirements.txt

COPY dags/ dags/
COPY plugins/ plugins/
COPY include/ include/
COPY migrations/ migrations/

USER airflow
