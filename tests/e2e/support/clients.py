"""The two ways in: a namespace by REST, and the SDK's settings for the proxy."""

from .processes import eventually


class Namespace:
    """A namespace and the REST calls that tests make on it."""

    def __init__(self, maia, name):
        self.name = name
        self.path = f"/v1/namespaces/{name}"
        self._maia = maia

    def _call(self, method, path, **options):
        with self._maia.http() as http:
            response = http.request(method, path, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def create(self, **config):
        return self._call("POST", "/v1/namespaces", json={"name": self.name, "config": config})

    def remember(self, content, **fields):
        return self._call("POST", f"{self.path}/memories", json={"content": content, **fields})

    def memories(self):
        with self._maia.http() as http:
            response = http.get(f"{self.path}/memories", params={"limit": 100})
        # A namespace begins with its first use.
        return [] if response.status_code == 404 else response.raise_for_status().json()["data"]

    def contents(self):
        return sorted(memory["content"] for memory in self.memories())

    def wait_for(self, *contents):
        """Waits until exactly these memories are listed: extraction runs after the answer."""
        eventually(lambda: self.contents() == sorted(contents), lambda: f"{sorted(contents)} are listed, and not {self.contents()}")

    def context(self, query, **fields):
        return self._call("POST", f"{self.path}/context", json={"query": query, **fields})


def sdk_options(maia, namespace=None, **options):
    headers = {"X-MAIA-Namespace": namespace.name} if namespace else {}
    return {
        "base_url": maia.proxy_url,
        "api_key": "sk-of-the-client",
        "max_retries": 0,
        "timeout": 30.0,
        "default_headers": {**headers, **options.pop("default_headers", {})},
        **options,
    }
