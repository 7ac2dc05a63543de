"""Renders the chart as Helm does, in each of its forms, and looks at what comes out.

Needs PyYAML and helm-python-sdk, which holds Helm's own engine: pip install pyyaml helm-python-sdk
"""

import pathlib
import sys

import yaml
from helm_python import Chart, lint

HERE = pathlib.Path(__file__).parent
FORMS = {
    "switch": {},
    "asked": {
        "ports": [{"name": "sip", "port": 5060, "protocol": "UDP"}, {"name": "http", "port": 8081}],
        "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
        "secretName": "tokens",
        "rules": {"50-own.toml": "# a rule\n"},
        "files": {"dno.csv": "prefix\n+48\n"},
        "networkPolicy": {"switches": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
                          "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}]},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True},
        "persistence": {"storageClassName": "fast"},
    },
    "tap": {"mode": "tap", "tap": {"nodeSelector": {"tap": "yes"}, "tolerations": [{"operator": "Exists"}]}},
}
WANTED = {
    "switch": "ConfigMap NetworkPolicy PodDisruptionBudget Service StatefulSet",
    "asked": "ConfigMap NetworkPolicy PodDisruptionBudget PrometheusRule Service Service ServiceMonitor StatefulSet",
    "tap": "ConfigMap DaemonSet NetworkPolicy Service",
}


def objects(values):
    rendered = Chart.load(HERE / "tollgate").render(values, name="node", namespace="voice")
    files = [text for name, text in rendered.items() if name.endswith(".yaml")]
    return [found for text in files for found in yaml.safe_load_all(text) if found]


def check_pod(form, pod):
    container = pod["containers"][0]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], form
    assert security["capabilities"]["drop"] == ["ALL"], form
    assert (security["runAsUser"] == 0) == (form == "tap"), form
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    given = {volume["name"] for volume in pod["volumes"]} | (set() if form == "tap" else {"data"})
    assert mounted == given, (form, mounted, given)
    assert pod["initContainers"][0]["image"] == container["image"] == "tollgate:0.1.0", form


for form, values in FORMS.items():
    found = objects(values)
    kinds = " ".join(sorted(one["kind"] for one in found))
    assert kinds == WANTED[form], (form, kinds)
    for one in found:
        assert one["metadata"]["name"].startswith("node"), one
        if one["kind"] in ("StatefulSet", "DaemonSet"):
            labels = one["spec"]["template"]["metadata"]["labels"]
            assert one["spec"]["selector"]["matchLabels"].items() <= labels.items(), form
            check_pod(form, one["spec"]["template"]["spec"])
        if one["kind"] == "PrometheusRule":
            shipped = yaml.safe_load((HERE / "../prometheus/tollgate-service-rules.yml").read_text())
            assert one["spec"] == shipped
        if one["kind"] == "ConfigMap" and form == "asked":
            assert one["data"]["dno.csv"] == "prefix\n+48\n" and "50-own.toml" in one["data"]
            configuration = one["data"]["tollgate.toml"]
    print(form, kinds)

findings = lint(str(HERE / "tollgate"))
print("lint:", findings)
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_text(configuration)
