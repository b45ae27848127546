"""The pages behind the plugin: read-only views of the service's database."""
