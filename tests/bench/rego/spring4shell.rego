# Spring4Shell (Spring Framework Remote Code Execution) and Spring Cloud Function vulnerabilities
package pyrox.spring4shell

violations contains message if {
	some index, container in input.deployment.containers
	some component in input.images[index].scan.components
	some vuln in component.vulns
	upper(vuln.cve) in {"CVE-2022-22963", "CVE-2022-22965"}
	not vuln.suppressed
	vuln.state == "OBSERVED"
	message := sprintf(
		"%s (CVSS %v) (severity %s) found in component '%s' (version %s) in container '%s'",
		[vuln.cve, vuln.cvss, severity[vuln.severity], component.name, component.version, container.name],
	)
}

severity := {
	"UNKNOWN_VULNERABILITY_SEVERITY": "Unknown",
	"LOW_VULNERABILITY_SEVERITY": "Low",
	"MODERATE_VULNERABILITY_SEVERITY": "Moderate",
	"IMPORTANT_VULNERABILITY_SEVERITY": "Important",
	"CRITICAL_VULNERABILITY_SEVERITY": "Critical",
}
