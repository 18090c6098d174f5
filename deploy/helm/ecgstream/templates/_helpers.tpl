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

{{- define "ecgstream.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* An empty volume hides what the image brings compiled; without this a start takes a minute longer. */}}
{{- define "ecgstream.kernels" -}}
- name: kernels
  image: {{ include "ecgstream.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: ["cp", "-r", "/var/lib/ecgstream/kernels", "/state/"]
  volumeMounts: [{name: state, mountPath: /state}]
  resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 256Mi}}
  securityContext: {{- include "ecgstream.confined" . | nindent 4 }}
{{- end -}}

{{/* What of Kafka's secrets is mounted into every pod that speaks to Kafka. */}}
{{- define "ecgstream.kafkaMounts" -}}
{{- if .Values.secrets.kafkaTls.name }}
- {name: kafka-tls, mountPath: /run/secrets/kafka-tls, readOnly: true}
{{- end }}
{{- if .Values.secrets.kafkaPassword.name }}
- {name: kafka-password, mountPath: /run/secrets/kafka-password, readOnly: true}
{{- end }}
{{- end -}}

{{- define "ecgstream.kafkaVolumes" -}}
{{- with .Values.secrets.kafkaTls.name }}
- name: kafka-tls
  secret: {secretName: {{ . }}, defaultMode: 288}
{{- end }}
{{- with .Values.secrets.kafkaPassword }}
{{- if .name }}
- name: kafka-password
  secret: {secretName: {{ .name }}, defaultMode: 288, items: [{key: {{ .key | default "password" }}, path: password}]}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ecgstream.edgeSelector" -}}
app.kubernetes.io/name: ecgstream-edge
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ecgstream.edgeLabels" -}}
{{ include "ecgstream.edgeSelector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "ecgstream.wardSelector" -}}
app.kubernetes.io/name: ecgstream-ward
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ecgstream.wardLabels" -}}
{{ include "ecgstream.wardSelector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The ward page's settings: the daemons', and its certificate and tokens. */}}
{{- define "ecgstream.wardSettings" -}}
{{- $settings := include "ecgstream.settings" . | fromYaml -}}
{{- $_ := unset $settings.http "order_token_file" -}}
{{- $http := dict "tls_certificate_file" "/run/secrets/ward-tls/tls.crt" "tls_key_file" "/run/secrets/ward-tls/tls.key" -}}
{{- $web := dict "enabled" true "tokens_file" "/run/secrets/ward-tokens/tokens.yaml" "host_names" .Values.ward.hostNames -}}
{{- mustMergeOverwrite $settings (dict "http" $http "web" $web) | toYaml -}}
{{- end -}}

{{/* The bridges' settings: the daemons', and where key, table and queue lie. */}}
{{- define "ecgstream.edgeSettings" -}}
{{- $settings := include "ecgstream.settings" . | fromYaml -}}
{{- $_ := unset $settings.http "order_token_file" -}}
{{- $state := "/var/lib/ecgstream" -}}
{{- $hl7 := dict "host" "0.0.0.0" "port" 2575 "key_file" "/run/secrets/hl7/key" "patients_file" (print $state "/patients.bin") -}}
{{- if .Values.secrets.mllpTls.name -}}
{{- $tls := dict "certificate_file" "/run/secrets/mllp-tls/tls.crt" "key_file" "/run/secrets/mllp-tls/tls.key" -}}
{{- if .Values.edge.clientsShowCertificates -}}
{{- $_ := set $tls "client_ca_file" "/run/secrets/mllp-tls/ca.crt" -}}
{{- end -}}
{{- $_ := set $hl7 "tls" $tls -}}
{{- end -}}
{{- $outbound := dict "queue" (print $state "/outbound.sqlite3") "http_host" "0.0.0.0" "http_port" 9465 -}}
{{- mustMergeOverwrite $settings (dict "hl7" $hl7 "outbound" $outbound) | toYaml -}}
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
