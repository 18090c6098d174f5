{{- define "ecgstream.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "ecgstream.selector" -}}
app.kubernetes.io/name: ecgstream
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ecgstream.labels" -}}
{{ include "ecgstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "ecgstream.account" -}}
{{- .Values.serviceAccount.name | default (include "ecgstream.name" .) -}}
{{- end -}}

{{- define "ecgstream.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* The settings file: the values', then what follows from secrets, then what holds in every pod. */}}
{{- define "ecgstream.settings" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if .Values.secrets.kafkaTls.name -}}
{{- $tls := dict "ca_file" "/run/secrets/kafka-tls/ca.crt" "certificate_file" "/run/secrets/kafka-tls/tls.crt" "key_file" "/run/secrets/kafka-tls/tls.key" -}}
{{- $settings = mustMergeOverwrite $settings (dict "kafka" (dict "tls" $tls)) -}}
{{- end -}}
{{- if .Values.secrets.kafkaPassword.name -}}
{{- $settings = mustMergeOverwrite $settings (dict "kafka" (dict "sasl" (dict "password_file" "/run/secrets/kafka-password/password"))) -}}
{{- end -}}
{{- if .Values.secrets.orderToken.name -}}
{{- $settings = mustMergeOverwrite $settings (dict "http" (dict "order_token_file" "/run/secrets/order-token/token")) -}}
{{- end -}}
{{- $pod := dict "http" (dict "host" "0.0.0.0" "port" 9464) "log" (dict "format" "json") "control" (dict "endpoint" nil) -}}
{{- mustMergeOverwrite $settings $pod | toYaml -}}
{{- end -}}
