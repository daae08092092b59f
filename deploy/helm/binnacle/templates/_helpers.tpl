{{- define "binnacle.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "binnacle.selector" -}}
app.kubernetes.io/name: binnacle
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "binnacle.labels" -}}
{{ include "binnacle.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Whether HTTP listens on the pod's address. */}}
{{- define "binnacle.httpIsOpen" -}}
{{- if .Values.http.accessSecret }}true{{ end -}}
{{- end -}}

{{/* Whether the rules API keeps its rules in the cluster. */}}
{{- define "binnacle.storesRules" -}}
{{- if eq (dig "store" "type" "kubernetes" .Values.config) "kubernetes" }}true{{ end -}}
{{- end -}}

{{/* binnacle.yaml, with the values' `config` merged into it. */}}
{{- define "binnacle.config" -}}
{{- $http := dict "address" "127.0.0.1:8080" -}}
{{- if include "binnacle.httpIsOpen" . -}}
{{- $http = dict "address" "0.0.0.0:8080" "accessFile" "/etc/binnacle/access/access.yaml" "allowedHosts" (concat (list (printf "%s.%s.svc" (include "binnacle.name" .) .Release.Namespace)) .Values.http.allowedHosts) -}}
{{- end -}}
{{- $xds := dict "plaintext" "0.0.0.0:15010" -}}
{{- with .Values.xds.tls -}}
{{- if .secret -}}
{{- $tls := dict "address" "0.0.0.0:15012" "certFile" "/etc/binnacle/tls/tls.crt" "keyFile" "/etc/binnacle/tls/tls.key" -}}
{{- if .requireClientCert -}}
{{- $_ := set $tls "clientCaFile" "/etc/binnacle/tls/ca.crt" -}}
{{- end -}}
{{- $_ := set $xds "tls" $tls -}}
{{- end -}}
{{- end -}}
{{- $adapter := dict "type" "kubernetes" "clusterId" .Values.cluster.id "rootNamespace" .Values.cluster.rootNamespace -}}
{{- if .Values.cluster.network -}}
{{- $_ := set $adapter "network" .Values.cluster.network -}}
{{- end -}}
{{- if .Values.cluster.discoverySelectors -}}
{{- $_ := set $adapter "discoverySelectors" .Values.cluster.discoverySelectors -}}
{{- end -}}
{{- if .Values.cluster.remoteSecretsNamespace -}}
{{- $_ := set $adapter "remoteSecretsNamespace" .Values.cluster.remoteSecretsNamespace -}}
{{- end -}}
{{- $config := dict "http" $http "xds" $xds "store" (dict "type" "memory") "adapters" (list $adapter) "mesh" (dict "rootNamespace" .Values.cluster.rootNamespace) -}}
{{- if include "binnacle.storesRules" . -}}
{{- $_ := set $config "store" (dict "type" "kubernetes") -}}
{{- else -}}
{{- $_ := unset $config "store" -}}
{{- end -}}
{{- if .Values.webhook.secret -}}
{{- $_ := set $config "webhook" (dict "address" "0.0.0.0:15017" "certFile" "/etc/binnacle/webhook/tls.crt" "keyFile" "/etc/binnacle/webhook/tls.key") -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy .Values.config) | toYaml -}}
{{- end -}}
