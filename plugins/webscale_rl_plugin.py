"""The page "Webscale-RL" in Airflow's menu: the funnel of every run."""

from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseHook
from fastapi import Depends

from webscale_rl.ui.app import make_app


def database_url() -> str:
    """Return the URL of the service's database, from its connection."""
    return BaseHook.get_connection("webscale_db").get_uri()


class WebscaleRlPlugin(AirflowPlugin):
    """Mounts the app for those who may see the DAG, and adds it to the menu."""

    name = "webscale_rl"
    fastapi_apps = [  # noqa: RUF012 - Airflow reads plain class attributes
        {
            "app": make_app(
                database_url, [Depends(requires_access_dag("GET", param_dag_id="convert_corpus"))]
            ),
            "url_prefix": "/webscale-rl",
            "name": "Webscale-RL",
        }
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Webscale-RL",
            "href": "/webscale-rl/",
            "destination": "nav",
            "url_route": "webscale-rl",
        }
    ]
